"""Every action that somebody can take, with rights and audit; cases."""
