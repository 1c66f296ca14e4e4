"""What a program shows on a terminal, for scripts/test-examples.py."""

import codecs
import os
import re


def read_terminal(terminal, output):
    """Until nobody has it any more."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while True:
            output.put(decoder.decode(os.read(terminal, 4096)))
    except OSError:
        output.put(None)


class Screen:
    """What is to be seen on a terminal, as far as our programs use it."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.saved = (0, 0)
        self.rest = ""

    def feed(self, text):
        text = self.rest + text
        while text:
            found = re.match(r"\x1b(?:\[(\d*)([A-Z])|([D78]))|[^\x1b]", text)
            if not found:
                break
            self.take(found)
            text = text[found.end():]
        self.rest = text

    def take(self, found):
        number, command = int(found[1] or 1), found[2] or found[3] or found[0]
        if command in ("D", "\n"):
            self.down()
        elif command == "\r":
            self.column = 0
        elif command == "7":
            self.saved = (self.row, self.column)
        elif command == "8":
            self.row, self.column = self.saved
        elif found[2] == "A":
            self.row = max(0, self.row - number)
        elif found[2] == "B":
            self.row = min(self.rows - 1, self.row + number)
        elif found[2] == "L":
            self.lines[self.row:self.row] = [[" "] * self.columns for _ in range(number)]
            del self.lines[self.rows:]
        elif len(command) == 1 and command >= " ":
            if self.column == self.columns:
                self.column = 0
                self.down()
            self.lines[self.row][self.column] = command
            self.column += 1

    def down(self):
        if self.row < self.rows - 1:
            self.row += 1
        else:
            self.lines = self.lines[1:] + [[" "] * self.columns]

    def shown(self):
        return [line for line in ("".join(line).rstrip() for line in self.lines) if line]
