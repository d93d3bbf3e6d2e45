"""A terminal as far as the command line uses one: home, clear to the end, colours, the alternate screen."""

import re

TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen:
    """Feed it what a program wrote; `lines` is what a person sees. Anything it does not know is an error."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.is_alternate = False
        self.has_cursor = True
        self.colours: set[str] = set()
        self._rows = [""] * height
        self._row = self._column = 0

    @property
    def lines(self) -> list[str]:
        return [row.rstrip() for row in self._rows]

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            token = TOKEN.match(text, position)
            assert token, f"not understood: {text[position : position + 20]!r}"
            position = token.end()
            private, arguments, final, back, down, shown = token.groups()
            if final:
                self._control(private + arguments, final)
            elif back:
                self._column = 0
            elif down:
                assert self._row + 1 < self.height, "the screen scrolled"
                self._row += 1
            else:
                self._show(shown)

    def _control(self, arguments: str, final: str) -> None:
        match final, arguments:
            case "H", "":
                self._row = self._column = 0
            case "K", "":
                self._rows[self._row] = self._rows[self._row][: self._column]
            case "J", "":
                self._rows[self._row] = self._rows[self._row][: self._column]
                self._rows[self._row + 1 :] = [""] * (self.height - self._row - 1)
            case "m", _:
                self.colours.add(arguments)
            case (("h" | "l"), "?1049"):
                self.is_alternate = final == "h"
            case (("h" | "l"), "?25"):
                self.has_cursor = final == "h"
            case _:
                raise AssertionError(f"not understood: ESC [ {arguments} {final}")

    def _show(self, text: str) -> None:
        row = self._rows[self._row].ljust(self._column)
        assert self._column + len(text) <= self.width, "the line wrapped"
        self._rows[self._row] = row[: self._column] + text + row[self._column + len(text) :]
        self._column += len(text)
