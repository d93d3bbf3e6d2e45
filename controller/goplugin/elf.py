"""Just enough of the ELF format to tell that a file cannot run here, before it is started. Bytes in, facts out."""

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HEAD = 64 * 1024  # program headers and interpreter of any real linker lie in here

_MAGIC = b"\x7fELF"
_PT_INTERP = 3
_EM_386, _EM_ARM, _EM_X86_64, _EM_AARCH64 = 3, 40, 62, 183
_MACHINES = {
    _EM_386: "x86 (32 bit)",
    8: "MIPS",
    20: "PowerPC",
    21: "PowerPC64",
    22: "S390x",
    _EM_ARM: "ARM (32 bit)",
    _EM_X86_64: "x86-64",
    _EM_AARCH64: "ARM64",
    243: "RISC-V",
    258: "LoongArch",
}
# A kernel may run the 32-bit files of its own family; whether this one does, exec tells.
_RELATED = {(_EM_X86_64, _EM_386), (_EM_AARCH64, _EM_ARM)}


@dataclass(frozen=True, slots=True)
class Elf:
    """What the header of an ELF file says."""

    bits: int
    little_endian: bool
    machine: int
    interpreter: str | None  # the dynamic loader that the kernel starts; None: static

    def __str__(self) -> str:
        """Name the machine for people."""
        return _MACHINES.get(self.machine, f"ELF machine {self.machine} ({self.bits} bit)")

    def may_run_on(self, host: "Elf") -> bool:
        """Tell whether the kernel that runs `host` could take this file."""
        same = (self.bits, self.little_endian, self.machine) == (host.bits, host.little_endian, host.machine)
        return same or (host.machine, self.machine) in _RELATED


def read(head: bytes) -> Elf | None:
    """Read the first `HEAD` bytes of a file; None if they are no (whole) ELF header."""
    if not head.startswith(_MAGIC):
        return None
    try:
        bits = {1: 32, 2: 64}[head[4]]
        order = {1: "<", 2: ">"}[head[5]]
        (machine,) = struct.unpack_from(order + "H", head, 18)
        interpreter = _interpreter(head, bits, order)
    except (KeyError, IndexError, struct.error):
        return None
    return Elf(bits=bits, little_endian=order == "<", machine=machine, interpreter=interpreter)


@cache
def host() -> Elf | None:
    """Return the header of the program that this process runs."""
    try:
        with Path("/proc/self/exe").open("rb") as file:
            return read(file.read(HEAD))
    except OSError:
        return None


def _interpreter(head: bytes, bits: int, order: str) -> str | None:
    wide = bits == 64  # noqa: PLR2004
    (table,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    for entry in range(table, table + size * count, max(size, 1)):
        if entry + size > len(head):
            return None  # beyond what was read: exec will tell
        (kind,) = struct.unpack_from(order + "I", head, entry)
        if kind == _PT_INTERP:
            (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), head, entry + (8 if wide else 4))
            return head[offset:].split(b"\0", 1)[0].decode(errors="surrogateescape") or None
    return None
