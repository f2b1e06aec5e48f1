"""placeholder"""
EMBEDDED_NAME = "embedded"
SYNTHESIS_VERSION = 1
def plan_synthesis(instrument): return {}
