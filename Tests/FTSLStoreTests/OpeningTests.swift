import FTSLStore

import Testing
