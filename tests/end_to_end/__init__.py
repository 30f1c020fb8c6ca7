"""The whole service in an emulated AWS that enforces its policies: a video is uploaded, its pictures are looked at.

Every test of a stack runs twice: with the function as processes of this machine, and with the built image as Lambda
runs it (read-only, unprivileged, limited memory). The function has its role's rights and no others throughout.
"""
