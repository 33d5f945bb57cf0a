# Documentation, installed in the folders that it has here, so that the pages find each other.

nobase_dist_doc_DATA += \
    %D%/ARCHITECTURE.md \
    %D%/BUILDING.md \
    %D%/OPERATIONS.md \
    %D%/PLUGINS.md \
    %D%/WIRE.md \
    README.md
