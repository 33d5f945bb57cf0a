# Documentation, installed beside the package's other documents.

dist_doc_DATA += \
    %D%/ARCHITECTURE.md \
    %D%/BUILDING.md \
    %D%/OPERATIONS.md \
    %D%/PLUGINS.md \
    %D%/WIRE.md \
    README.md
