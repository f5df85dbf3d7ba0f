"""Which of Snakemake's messages a person needs; the stages tell what they do themselves."""

from logging import INFO, LogRecord

NOISE = (
    "Assuming unrestricted shared filesystem usage",
    # A stage that ends by itself has said why; one that was killed could not.
    "returned non-zero exit status",
    "Exiting because a job execution failed",
    "At least one job did not complete successfully",
    # Of `snakemake --report` on results that were pulled: no harm, and nothing to be done about it.
    "Missing metadata for file",
    "Could not detect mimetype",  # of train.log, which is text as assumed
)
NEWS = (
    "Nothing to be done",
    "Will exit after finishing",  # on SIGTERM, which Snakemake does not pass on
)


def is_news(record: LogRecord, running: bool) -> bool:
    """Tell whether a message says what nothing else does.

    Args:
        record: what Snakemake wants to log.
        running: whether it runs jobs, rather than tells what it would do or checks the rules.
    """
    text = record.getMessage()
    if any(words in text for words in NOISE):
        return False
    return not running or record.levelno > INFO or text.startswith(NEWS)
