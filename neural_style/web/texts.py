"""Every word of the page that is not a knob's own help."""

from neural_style.schedule import in_words

TITLE = "Neural Style Space"

INTRO = """# Neural Style Space
Bring a photograph and a painting: the pixels of the first are optimized until a neural network sees
in them the scene of the one and the brushwork of the other."""

CONTENT = "Content image"
STYLE = "Style image"
STRENGTH = "Style strength"
STRENGTH_HELP = "Each whole step doubles the weight of the style; each step back halves it."
NEW_SEED = "New seed"
MORE = "More controls"
START_IMAGE = "Start image"
START_IMAGE_HELP = "Optional: a picture to start from, in place of init."
MORE_PICTURES = {
    "style_2": ("Second style", "Optional: another style image, to be mixed with the first."),
    "mask": (
        "Where the first style goes",
        "Optional: a gray picture of the content's shape, white where the first style is wanted.",
    ),
    "mask_2": ("Where the second goes", "Optional: the same for the second style."),
    "keep_mask": (
        "What stays",
        "Optional: a gray picture of the content's shape, white where the content stays as it is.",
    ),
}
"""Pictures that may be given beside the two: a label and a sentence each."""

REGIONS = "Second style and masks"
REGIONS_HELP = (
    "Masks are gray pictures of the content image's shape: white here, black not here, gray a "
    "little. One for each style; without any, styles are mixed everywhere."
)
CONTENT_HELP = "The picture whose scene is kept."
STYLE_HELP = "The picture whose manner is taken."
STYLIZE = "Stylize"
STOP = "Stop"
RESULT = "Result"
STATUS = "Status"
GALLERY = "On the way"
EXAMPLES = "Or begin with one of these"

READY = "Choose two pictures, or click an example, and press **Stylize**."
PREPARING = "Loading the network and looking at the pictures…"
PRIVACY = (
    "Your pictures stay on this server for about a day and are shown to nobody else; "
    "a link to a picture opens for whoever has it."
)

ERROR_TITLE = "That did not work"
NO_CONTENT = "Choose a content image: the picture to repaint."
NO_STYLE = "Choose a style image: the painting whose manner is taken."
RESTORE = "Take over a result's settings"
NO_RECIPE = "Choose a PNG that this page has made."
START_IMAGE_WANTED = "This picture was begun from a start image; give it under More controls."
NOT_UPLOADED = "{name} must be an uploaded picture file; the server's own files are not read."
NOT_AN_UPLOAD = (
    "Here a start picture is uploaded, as init_image; init takes one of {choices}, not {given!r}."
)
API_PARAMETERS = "{error} This endpoint takes {names}; content and style are required."
TOO_LARGE = "A picture file is at most {limit} MB here. Make it smaller first."
OVER_PAGE_LIMIT = "{name} is at most {limit} on this page; the command line goes further."
TOO_LONG = (
    "This run would reserve the GPU for about {seconds} s; at most {limit} s are given to one. "
    "Use fewer iterations or a smaller size."
)


def caption(iteration: int, losses: dict[str, float]) -> str:
    """Under a picture of the gallery."""
    return f"{iteration:,} · loss {sum(losses.values()):.3g}"


def running(
    iteration: int,
    iterations: int,
    size: tuple[int, int],
    losses: dict[str, float],
    seconds_left: float,
    event: str,
) -> str:
    """The line above the picture while it is being made, and under it what happened last."""
    height, width = size
    line = (
        f"**Iteration {iteration:,} of {iterations:,}**, now at {width}×{height} · "
        f"{_terms(losses)} · about {in_words(seconds_left)} left"
    )
    return f"{line}<br><sub>{event}</sub>" if event else line


def done(iterations: int, losses: dict[str, float], seconds: float, note: str) -> str:
    """The line above the finished picture."""
    summary = f"{iterations:,} iterations in {in_words(seconds)} · {_terms(losses)}"
    return f"**Done:** {summary}<br><sub>{note}</sub>"


def stopped(status: str) -> str:
    """The line above the picture after Stop; what is not running is not stopped."""
    running_ = status.startswith(("**Iteration", PREPARING))
    reached = status.replace("**", "").replace(", now at ", ", at ").rsplit(" · ", 1)[0]
    return f"**Stopped.** {reached}" if running_ else status


def failed(message: str) -> str:
    """The line above the picture when there is none."""
    return f"**{ERROR_TITLE}.** {message}"


def _terms(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in losses.items())
