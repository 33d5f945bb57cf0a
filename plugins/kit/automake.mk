# What several drivers need and the host does not offer: sources that a module lists among its own.

HF_KIT_FOLDERS = %D%/folders.c %D%/folders.h
HF_KIT_IMAGE = %D%/image.c %D%/image.h
HF_KIT_JSON = %D%/json.c %D%/json.h
HF_KIT_WAITING = %D%/waiting.c %D%/waiting.h

EXTRA_DIST += %D%/README.md
