"""What bindings/generate.py is made of: one module for each language, and one for the table."""
