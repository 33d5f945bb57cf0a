"""JPEG by hand, as little as tests need: it shares no code with what it checks.

Images are written from blocks of 8 by 8 pixels of one colour, and read as the mean colours of
such blocks: that is the first coefficient of each block, the others are skipped.
"""

import struct

_DC_CODES = bytes(range(12))  # sizes of differences, each with a code of 4 bits
_SIZES_4_BITS = bytes([0, 0, 0, 12] + [0] * 12)
_END_OF_BLOCK = b"\0"  # the only other code, of one bit
_SIZES_1_BIT = bytes([1] + [0] * 15)


def _segment(marker, data):
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _ycc(rgb):
    r, g, b = rgb
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return [round(v) for v in (y, 128 + (b - y) * 0.564, 128 + (r - y) * 0.713)]


def _rgb(y, cb, cr):
    return (y + 1.402 * (cr - 128), y - 0.344 * (cb - 128) - 0.714 * (cr - 128),
            y + 1.772 * (cb - 128))


def _difference(value):
    """The bits of one block's difference to the block before it."""
    size = abs(value).bit_length()
    bits = value if value >= 0 else value + (1 << size) - 1
    return f"{size:04b}" + (f"{bits:0{size}b}" if size else "")


def _pack(bits):
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")


def write(width, height, colour, grey=False, scans=0):
    """An image in which block (x, y) is `colour(x, y)`; progressive, with so many scans for the
    (empty) rest of it, if `scans` is given."""
    components = 1 if grey else 3
    columns, rows = -(-width // 8), -(-height // 8)
    bits, last = [], [0] * components
    for y in range(rows):
        for x in range(columns):
            for c, value in enumerate(_ycc(colour(x, y))[:components]):
                bits.append(_difference(value - 128 - last[c]) + ("" if scans else "0"))
                last[c] = value - 128
    frame = struct.pack(">BHHB", 8, height, width, components)
    frame += b"".join(bytes([c, 0x11, 0]) for c in range(components))
    all_components = b"".join(bytes([c, 0]) for c in range(components))
    out = b"\xff\xd8" + _segment(0xDB, b"\0" + bytes([8] * 64))
    out += _segment(0xC2 if scans else 0xC0, frame)
    out += _segment(0xC4, b"\x00" + _SIZES_4_BITS + _DC_CODES)
    out += _segment(0xC4, b"\x10" + _SIZES_1_BIT + _END_OF_BLOCK)
    out += _segment(0xDA, bytes([components]) + all_components
                    + (b"\0\0\0" if scans else b"\0\x3f\0")) + _pack("".join(bits))
    for scan in range(scans):
        c, k = divmod(scan, 63)
        out += _segment(0xDA, bytes([1, c, 0, k + 1, k + 1, 0])) + _pack("0" * (columns * rows))
    return out + b"\xff\xd9"


class Image:
    """What is in a baseline image: its size, and the mean colour of each block."""

    def __init__(self, data):
        assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9", "not a whole JPEG"
        self.quantum, self.codes = {}, {}
        at = 2
        while True:
            marker, length = struct.unpack(">xBH", data[at:at + 4])
            body, at = data[at + 4:at + 2 + length], at + 2 + length
            if marker == 0xDB:
                self._quantisation(body)
            elif marker == 0xC4:
                self._huffman(body)
            elif marker == 0xC0:
                self._frame(body)
            elif marker == 0xDA:
                self._scan(body, data[at:-2])
                return

    def _quantisation(self, body):
        for start in range(0, len(body), 65):
            self.quantum[body[start]] = body[start + 1]

    def _huffman(self, body):
        while body:
            table, code, at = {}, 0, 17
            for size in range(1, 17):
                for _ in range(body[size]):
                    table[f"{code:0{size}b}"] = body[at]
                    code, at = code + 1, at + 1
                code <<= 1
            self.codes[body[0]], body = table, body[at:]

    def _frame(self, body):
        _, self.height, self.width, count = struct.unpack(">BHHB", body[:6])
        self.parts = [(part[0], part[1] >> 4, part[1] & 15, part[2])
                      for part in (body[6 + 3 * i:9 + 3 * i] for i in range(count))]

    def _scan(self, body, data):
        tables = {body[1 + 2 * i]: body[2 + 2 * i] for i in range(body[0])}
        self.bits = "".join(f"{byte:08b}" for byte in data.replace(b"\xff\0", b"\xff"))
        self.at = 0
        self.across = max(part[1] for part in self.parts)
        self.down = max(part[2] for part in self.parts)
        self.means = [{} for _ in self.parts]
        last = [0] * len(self.parts)
        for row in range(-(-self.height // (8 * self.down))):
            for column in range(-(-self.width // (8 * self.across))):
                for i, (name, h, v, quantum) in enumerate(self.parts):
                    for block in range(h * v):
                        last[i] += self._block(tables[name])
                        where = (column * h + block % h, row * v + block // h)
                        self.means[i][where] = last[i] * self.quantum[quantum] / 8 + 128

    def _symbol(self, table):
        size = 1
        while (symbol := table.get(self.bits[self.at:self.at + size])) is None:
            size += 1
            assert size <= 16, "no such code"
        self.at += size
        return symbol

    def _block(self, tables):
        """The first coefficient of a block, after which the others are skipped."""
        size = self._symbol(self.codes[tables >> 4])
        bits = self.bits[self.at:self.at + size]
        self.at += size
        k = 1
        while k < 64 and (symbol := self._symbol(self.codes[0x10 | tables & 15])):
            self.at += symbol & 15
            k += (symbol >> 4) + 1
        if not size:
            return 0
        return int(bits, 2) - (0 if bits[0] == "1" else (1 << size) - 1)

    def colour(self, x, y):
        """Red, green and blue around a pixel."""
        return _rgb(*(means[x * h // (8 * self.across), y * v // (8 * self.down)]
                      for means, (_, h, v, _) in zip(self.means, self.parts)))
