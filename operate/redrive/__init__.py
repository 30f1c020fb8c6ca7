"""`redrive`: `queue` holds the failure queue's messages for as long as they are looked at, `failures` reads what is in
them, `replay` invokes the function, `command` puts it together."""
