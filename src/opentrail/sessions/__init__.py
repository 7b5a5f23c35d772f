"""Who is behind a key: sessions, the chains of roles that lead to them, and their people."""
