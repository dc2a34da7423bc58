"""What files and tables that nobody has described seem to hold, and the settings that would read them: `strata init`.

Guesses from names (`names`) and from values (`profiles`), each doubt beside its guess. Lands nothing, and decides
nothing that is not written down for the user to see; whether a row fits the contract is landing's to say.
"""
