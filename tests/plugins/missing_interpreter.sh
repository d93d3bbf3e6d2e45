#!/opt/nowhere/bin/python9
# Names an interpreter that isn't installed.
# The kernel says "no such file" as if the script itself were missing.
