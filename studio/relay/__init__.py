"""The page and its viewers: what is said, who may say it, and the server that says it."""
