"""CloudTrail Insights: unusual call and error rates, found in counts, explained in records.

`counts` says what is counted of a record; `baseline` what is ordinary (with `season`, `drops` and
`tail`); `detect` what is unusual, minute by minute (with `windows` and `limits`); `record` and
`attributions` how it is told. The same counts give the same findings.
"""
