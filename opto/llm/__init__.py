"""Language models: requests, providers, and structured answers. Knows no graph and no solver."""
