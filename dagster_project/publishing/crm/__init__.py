"""Lists as records of a CRM: each treated customer one task, keyed by our id, so that a push again changes nothing.

`tasks` says what goes out, `pushing` compares it with what the CRM holds, writes the difference and keeps the record;
`zoho` and `fxiaoke` know their systems. What is pushed was issued before: nothing here puts anybody on a list.
`work` is what a command or an asset starts.
"""
