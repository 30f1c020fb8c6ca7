"""`backfill`: `jobs` writes the requests of S3 Batch Operations and follows the jobs, `estimate` says what they take,
`report` reads what became of each object, `runner` does the same work from this machine where there is no such service,
`command` puts it together."""
