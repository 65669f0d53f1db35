"""Batches: folders of pictures, upscaled one after another, on this machine or on a cluster.

`folder` finds the jobs, `export` runs them through a lane (`local` or `cluster`), which calls the
`stages` of every file; the `journal` remembers what is done, and the `report` tells of it.
"""
