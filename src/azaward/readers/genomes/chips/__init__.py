"""The text files of genotyping arrays: their lines and columns, and what a genotype in them means."""
