"""PostgreSQL: the engine, the embedded server, the models, and one module per noun with its async verbs."""
