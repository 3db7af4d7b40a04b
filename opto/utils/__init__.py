"""Names that programs written for Trace import from here; see `opto.utils.llm`."""
