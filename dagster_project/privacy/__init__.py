"""What is held about a person, and its erasure: the one room that looks into every place where a person's data can be.

It knows which rows of a table, a batch or a file are a person's, and who that person is. What lands, what is computed
and what is published is decided elsewhere; nothing here classifies.
"""
