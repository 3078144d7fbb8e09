from fooling.markdown import cell, table_row


def test_a_pipe_or_a_line_break_in_a_cell_breaks_no_row():
    row = table_row(["a|b", "two\nlines", 3])
    assert row == "| a\\|b | two lines | 3 |\n"


def test_other_characters_stay():
    assert cell("`x` *y* <z>") == "`x` *y* <z>"
