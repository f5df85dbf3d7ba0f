# Recordings in, a page of clips to listen to out. `snakemake` builds everything that params.yaml
# asks for; `snakemake -n` says what it would do. Each stage has its rule in workflow/rules.
import sys
from pathlib import Path

from snakemake.utils import min_version

# The code of this checkout, also where the installed one is another's: `dvc exp run --temp`.
sys.path.insert(0, str(Path("src").resolve()))

from workflow import agreement, lifeline

min_version("9.27")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/fetch.smk"
include: "workflow/rules/convert.smk"
include: "workflow/rules/chunk.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/parse_log.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "report",


agreement.from_dvc(workflow)


onstart:
    lifeline.end_on_sigterm()


onsuccess:
    agreement.to_dvc(workflow)


onerror:
    agreement.to_dvc(workflow)
