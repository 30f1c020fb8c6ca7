"""Reads the bits of a header."""


class Bits:
    """Reads bits, the first one first; past the end it reads zeros."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content, "big"), 8 * len(content)

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        self._left -= count
        shifted = self._value >> self._left if self._left >= 0 else self._value << -self._left
        return shifted & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return whether the next bit is set."""
        return bool(self.take(1))

    def unsigned(self) -> int:
        """Return an unsigned number in Exp-Golomb code.

        Raises:
            ValueError: it would have more than 32 bits.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("a number of more than 32 bits")
        return (1 << zeros) - 1 + (self.take(zeros) if zeros else 0)

    def signed(self) -> int:
        """Return a signed number in Exp-Golomb code.

        Raises:
            ValueError: it would have more than 32 bits.
        """
        number = self.unsigned()
        return (number + 1) // 2 if number % 2 else -(number // 2)
