"""From the text of a reply to typed values, exactly or with the reason why not.

Nothing in here asks a model, executes text, or changes a parameter.
"""
