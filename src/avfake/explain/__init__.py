"""Why a clip got its score: which seconds and which bands made it, as a picture and as numbers."""
