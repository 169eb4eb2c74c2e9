import FTSLCore
