# The metadata store "file".

HF_STORE_FILE_SOURCES = $(HF_KIT_FOLDERS) \
    %D%/announce.c %D%/announce.h \
    %D%/document.c %D%/document.h \
    %D%/folder.c %D%/folder.h \
    %D%/follow.c %D%/follow.h \
    %D%/io.c %D%/io.h \
    %D%/look.c \
    %D%/operations.c %D%/operations.h \
    %D%/store-file.c

plugin_LTLIBRARIES += %D%/store-file.la
%C%_store_file_la_SOURCES = $(HF_STORE_FILE_SOURCES)
%C%_store_file_la_CPPFLAGS = $(HF_PLUGIN_CPPFLAGS)
%C%_store_file_la_LDFLAGS = $(HF_PLUGIN_LINK)

EXTRA_DIST += %D%/README.md
