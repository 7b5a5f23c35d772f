"""CloudWatch Logs Insights QL: parsing, rules, and the SQL that answers a query."""
