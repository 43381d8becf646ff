"""Give back what came, for Cog's own server."""

from cog import BasePredictor, Input


class Predictor(BasePredictor):
    """Does nothing, so that only what is around it is measured."""

    def predict(self, text: str = Input(description="Is given back.")) -> str:
        """Give back the text."""
        return text
