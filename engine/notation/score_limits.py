"""How large a score may be. The largest printed symphonies stay well inside; what is beyond is broken or hostile."""

MAX_FILE_BYTES = 48 * 2**20
MAX_XML_BYTES = 160 * 2**20
"""Of the MusicXML inside a ``.mxl``; a two-hour Mahler symphony exported as one file is about 60 MB."""
MAX_TEXT_BYTES = 4 * 2**20
"""Of ABC and Humdrum."""
MAX_ARCHIVE_ENTRIES = 1000
MAX_PARTS = 256
MAX_MEASURES = 20_000
"""As printed, and again with repeats expanded."""
MAX_NOTES = 600_000
"""As printed, and again with repeats expanded and ornaments realised."""
MAX_REPEATS = 64
"""How often one repeat sign may send the players back."""
MAX_NOTE_QUARTERS = 4096.0
"""Longest single note, rest or measure."""
MAX_SCORE_QUARTERS = 200_000.0
MAX_DIVISIONS = 10_000_000.0
"""MusicXML's ticks per quarter; programs write 1 to 10080, some 768000."""
