"""What a person pressed and the database may not have yet: kept on this machine, sent in order, each once.

`presses` says what there is and how it is written down, `kept` has the files, `sending` sends, `outcomes` is what
becomes of a press.
"""
