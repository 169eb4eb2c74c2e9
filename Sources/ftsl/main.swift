import FTSLCommands

CommandLineTool.main()
