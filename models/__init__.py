"""AI parts: tokens, corpus, network, training, sampling and the responder."""
