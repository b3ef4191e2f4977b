import readme_tables


def test_the_tables_made_from_the_code_are_as_the_code_has_them():
    """If this fails: python tests/readme_tables.py."""
    text = readme_tables.README.read_text(encoding="utf-8")

    assert readme_tables.filled(text) == text
    assert all(f"<!-- {name} -->" in text for name in readme_tables.TABLES)
