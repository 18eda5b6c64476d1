"""The rules over a nation: Parquet in, findings and plans in Parquet out."""
