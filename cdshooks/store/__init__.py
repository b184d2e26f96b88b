"""What the service keeps: cards issued and the answers to them, token ids seen, audit events, trial records.

Only the edge (``web``, ``app``, ``cli``) knows the store; the path from resources to cards is given what it needs as values.
"""
