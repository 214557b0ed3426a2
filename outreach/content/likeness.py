"""What a picture looks like in 64 bits: the same for a copy that was made smaller, saved again or had its type changed.

A difference hash: the picture as 9 x 8 grey points, a bit for each that is darker than its right neighbour. A digest of
the bytes finds only a copy that nobody saved again.
"""

from PIL import Image

SIDE = 8
LEAST_RANGE = 12
"""Of 255: a picture with less difference between its points is a plain area, and all of those look alike."""
MOST_DIFFERENT_BITS = 4


def fingerprint(picture: Image.Image) -> str:
    """16 hex letters, or "" for a picture without anything on it."""
    grey = picture.convert("RGBA")
    ground = Image.new("RGBA", grey.size, "white")
    ground.alpha_composite(grey)
    points = list(ground.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX).tobytes())
    if max(points) - min(points) < LEAST_RANGE:
        return ""
    rows = [points[start : start + SIDE + 1] for start in range(0, len(points), SIDE + 1)]
    bits = "".join("1" if row[place] < row[place + 1] else "0" for row in rows for place in range(SIDE))
    return f"{int(bits, 2):016x}"


def alike(one: str, other: str) -> bool:
    """Whether two fingerprints are of the same picture, as far as that can be said."""
    return bool(one and other) and (int(one, 16) ^ int(other, 16)).bit_count() <= MOST_DIFFERENT_BITS
