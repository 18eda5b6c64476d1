"""Variants in; haplotypes, diplotypes and phenotype out, with what was not seen."""
