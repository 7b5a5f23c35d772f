"""From a query's stages to the SQL of DuckDB that answers them.

No text of a query becomes SQL: it is bound as a parameter (values.Parameters).
"""
