"""The report's sections as HTML, one module a subject.

What the numbers are is `content`'s business, how they are written `numbers`', how they are drawn `figures`'.
"""
