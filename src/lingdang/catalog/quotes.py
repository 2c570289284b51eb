"""Where in a broken CSV row the quoted field begins that has no proper end."""


def opening_line(row: str, delimiter: str) -> int | None:
    """How many lines into `row` that field begins; None when no quoted field goes beyond its line."""
    line = 0
    opened: int | None = None
    state = "start"  # of a field, or: bare, quoted, closed
    before = ""
    for char in row:
        line += char in "\r\n" and before + char != "\r\n"
        before = char
        if state == "quoted":
            state = "closed" if char == '"' else "quoted"
        elif char == delimiter:
            state = "start"
        elif char == '"' and state != "bare":
            opened = line if state == "start" else opened
            state = "quoted"
        elif state == "closed" and char not in "\r\n":
            return None if opened == line else opened
        else:
            state = "bare"
    return opened if state == "quoted" else None
