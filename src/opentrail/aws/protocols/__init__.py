"""AWS's wire protocols, read by an observer: from bytes to parameters by the model's names.

| module | protocols |
|---|---|
| json | awsJson 1.0 and 1.1, bodies of rest-json |
| query | query and ec2 |
| xml | bodies of rest-xml, answers of query and ec2 |
| rest | method, path, query string and headers of rest-json and rest-xml |
| values | scalars, as every protocol spells them |
"""
