"""The page's texts in English, by key."""

from neural_style.settings.presets import MANNER_HELP

ENGLISH: dict[str, str] = {
    "title": "Neural Style Space",
    "intro": """# Neural Style Space
Bring a photograph and a painting: the pixels of the first are optimized until a neural network sees
in them the scene of the one and the brushwork of the other.""",
    # Pictures to bring
    "content": "Content image",
    "content_help": "The picture whose scene is kept.",
    "style": "Style image",
    "style_help": "The picture whose manner is taken.",
    "init_image": "Start image",
    "init_image_help": "Optional: a picture to start from, in place of init.",
    "style_2": "Second style",
    "style_2_help": "Optional: another style image, to be mixed with the first.",
    "mask": "Where the first style goes",
    "mask_help": "Optional: a gray picture of the content's shape, white where the first style is "
    "wanted.",
    "mask_2": "Where the second goes",
    "mask_2_help": "Optional: the same for the second style.",
    "keep_mask": "What stays",
    "keep_mask_help": "Optional: a gray picture of the content's shape, white where the content "
    "stays as it is.",
    "regions": "Second style and masks",
    "regions_help": "Paint over the content image, then say what is meant there: that becomes a "
    "mask below. Mask files will do too: gray pictures of the content image's shape, white here, "
    "black not here. Of two styles each has a mask, or neither; what one is painted for leaves the "
    "rest to the other.",
    "paint": "Paint here",
    "paint_keep_mask": "This stays",
    "paint_mask": "First style here",
    "paint_mask_2": "Second style here",
    "painted": "What was painted is now below, under “{name}”.",
    "painted_unused": "What is painted is not used in this run: say first, under “Second style and "
    "masks”, what is meant there.",
    "nothing_painted": "Nothing is painted yet. Choose a content image and paint over it first.",
    "part": "Part of the style image",
    "part_of": "Of which",
    "part_shown": "What is taken",
    "crop_all": "All of it is taken. For a part, touch two opposite corners of it.",
    "crop_first": "Now touch the opposite corner.",
    "crop_chosen": "What is bright is taken: {width} % of the width, {height} % of the height. For "
    "another part, touch two corners.",
    "whole": "Take all of it",
    "no_picture_yet": "There is no picture under “{name}” yet.",
    "examples": "Or begin with one of these",
    # Controls
    "stylize": "Stylize",
    "stop": "Stop",
    "manner": "Manner",
    "manner_help": "**Strokes**: {strokes}\n**Classic**: {classic}",
    "strokes": "Strokes",
    "strokes_help": MANNER_HELP["strokes"],
    "classic": "Classic (Gatys 2015)",
    "classic_help": MANNER_HELP["classic"],
    "preset": "How long",
    "preset_help": "Longer makes finer strokes; larger pictures take longer still.",
    "quick": "A first look",
    "balanced": "Balanced",
    "fine": "Large and fine",
    "strength": "Style strength",
    "strength_help": "Each whole step doubles the weight of the style; each step back halves it. "
    "With Strokes, −4 is a photograph with a touch of the style, 0 is a painting of the content, "
    "and from 3 on nearly all is painting.",
    "new_seed": "New seed",
    "more": "More controls",
    "restore": "Take over a result's settings",
    "link": "Link to these settings",
    "link_box": "Copied, where the browser allows it",
    "link_help": "Opens this page with these settings, and with the example pictures if they are "
    "chosen; pictures of your own are not part of it.",
    "result_link": "Link to this result",
    "result_link_help": "Opens this page with the result and its settings, for about a day and for "
    "whoever has the link; pictures of your own that it was made from are not part of it.",
    "language_help": "Of the lines that are told: en or zh.",
    # Results
    "result": "Result",
    "status": "Status",
    "gallery": "On the way",
    "chart": "Losses, as powers of ten",
    "chart_x": "iteration",
    "chart_y": "log₁₀ of the loss",
    "compare": "Before and after",
    "film": "Time-lapse",
    "files": "To keep",
    "history": "Earlier results in this browser",
    "on_the_way": "On the way",
    "keep": "To keep",
    "earlier": "Earlier",
    "continue": "Continue",
    "continue_by": "More iterations",
    "as_content": "Use as content",
    "as_start": "Use as start",
    # Lines
    "ready": "Choose two pictures, or click an example, and press **Stylize**.",
    "preparing": "Reading the pictures and loading the network…",
    "looking": "Looking at the style…",
    "next_size": "Looking at the style for size {scale} of {scales}…",
    "going_on": "Going on from where it stopped…",
    "finishing": "Making the time-lapse…",
    "privacy": "Your pictures stay on this server for about a day and are shown to nobody else; "
    "a link to a picture opens for whoever has it.",
    "estimate": "About {time} on this machine, without what waits in line.",
    "running": "**Iteration {iteration:,} of {iterations:,}**, now at {width}×{height}, "
    "size {scale} of {scales} · {terms} · about {left} left",
    "done": "**Done:** {iterations:,} iterations in {time} · {terms}",
    "stopped": "**Stopped.** Iteration {iteration:,} of {iterations:,}, at {width}×{height} · "
    "{terms}",
    "stopped_early": "**Stopped** before there was a picture.",
    "failed": "**{title}.** {message}",
    "caption": "{iteration:,} · loss {loss:.3g}",
    # What may go wrong
    "note_title": "Note",
    "error_title": "That did not work",
    "no_content": "Choose a content image: the picture to repaint.",
    "no_style": "Choose a style image: the painting whose manner is taken.",
    "no_recipe": "Choose a PNG that this page has made.",
    "start_image_wanted": "This picture was begun from a start image; give it under More controls.",
    "no_result": "There is no result yet. Press Stylize first.",
    "nothing_to_continue": "There is no run to go on from. Press Stylize first.",
    "shared_ends_here": "A shared result can be continued only by whoever made it: what that takes "
    "is not shared. Take it as the start image instead.",
    "state_gone": "That run can no longer be continued: only the newest few are kept. Take its "
    "result as the start image instead.",
    "kept_damaged": "What this server has kept of that run is damaged. Press Stylize again.",
    "kept_unknown": "What this server has kept of that run is of a format that this version of the "
    "program does not know. Press Stylize again.",
    "no_end": "The run has not ended within {seconds} s. Press Stylize again.",
    "not_uploaded": "{name} must be an uploaded picture file; the server's own files are not read.",
    "api_parameters": "{error} This endpoint takes {names}; content and style are required.",
    "too_large": "A picture file is at most {limit} MB here. Make it smaller first.",
    "over_page_limit": "{name} is at most {limit} on this page; the command line goes further.",
    "too_long": "This run would reserve the GPU for about {seconds} s; at most {limit} s are given "
    "to one. Use fewer iterations or a smaller size.",
    "gpu_quota": "Your share of GPU time for today is used up. Sign in to Hugging Face for more of "
    "it, come back tomorrow, or run this program on your own machine.",
    "gpu_too_long": "This run would reserve the GPU for longer than it is lent. Use fewer "
    "iterations or a smaller size.",
    "gpu_busy": "No GPU was free within a minute. Press Stylize again in a little while.",
    "gpu_aborted": "The GPU was taken back before the run had ended. Use fewer iterations or a "
    "smaller size, and press Stylize again.",
    "link_ignored": "The link's {name} is no value for it and was left out: {reason}",
    "result_shared": "**A result that was shared**, with its settings. It is kept for about a day "
    "from when it was made.",
    "result_gone": "The result of this link is no longer here: results are kept for about a day.",
    "link_unknown": "The link names {name}, which this page does not know; it was left out.",
}
