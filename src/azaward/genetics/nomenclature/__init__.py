"""What does a laboratory's sentence about TPMT and NUDT15 say: alleles, variants, a phenotype, an activity?

"TPMT *1/*3A; NUDT15 normal", "TPMT heterozygous", "NUDT15 c.415C>T het". Alleles and variants are those of the
knowledge base, words those of result_words.csv. A result counts only if every word beside it is understood and none
says that it is another person's, denied, awaited, old, failed or in doubt. Everything else is given back and asked.
"""

from azaward.genetics.nomenclature.reading import read_report
from azaward.genetics.nomenclature.said import Reported, ReportedActivity, ReportedGene

__all__ = ["Reported", "ReportedActivity", "ReportedGene", "read_report"]
