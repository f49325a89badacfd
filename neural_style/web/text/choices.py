"""Words for the values of settings that are chosen from a list, in each language of the page.

The value itself follows in parentheses: links, recipes, the shell and the help texts use it. A
setting that is missing, such as the network, shows its values alone.
"""

from __future__ import annotations

ENGLISH_CHOICES: dict[str, dict[str, str]] = {
    "color": {
        "style": "of the painting",
        "content": "of the photo",
        "luminance": "of the photo, light and dark of the painting",
        "matched": "nearly of the photo",
        "cholesky": "nearly of the photo, by covariances",
        "histogram": "nearly of the photo, by histograms",
    },
    "init": {
        "auto": "the usual one",
        "matched": "pieces of the painting",
        "recolored": "photo in the painting's colors",
        "content": "the photo",
        "noise": "noise",
        "mean": "plain gray",
    },
    "statistic": {
        "nearest": "most similar places",
        "gram": "Gram matrices",
        "centered": "covariances",
        "mean_deviation": "means and deviations",
        "wasserstein": "Wasserstein distance",
    },
    "engine": {"fast": "fast and guarded", "plain": "textbook loop"},
    "optimizer": {"lbfgs": "L-BFGS", "adam": "Adam"},
    "pooling": {"max": "maximum", "avg": "average", "l2": "root of the mean square"},
    "border": {"replicate": "edge repeated", "zeros": "zeros"},
    "style_fit": {"longest": "as long as the result", "area": "as many pixels as the result"},
    "loss_units": {
        "relative": "relative to the target",
        "absolute": "absolute",
        "paper": "as in the paper",
    },
    "tv_form": {
        "mean": "mean square",
        "levels": "mean square of levels",
        "sum": "sum",
        "nine_points": "nine points",
    },
}

CHINESE_CHOICES: dict[str, dict[str, str]] = {
    "color": {
        "style": "画作的颜色",
        "content": "照片的颜色",
        "luminance": "照片的颜色，画作的明暗",
        "matched": "接近照片的颜色",
        "cholesky": "接近照片，按协方差",
        "histogram": "接近照片，按直方图",
    },
    "init": {
        "auto": "惯用起点",
        "matched": "画作的碎片",
        "recolored": "换成画作颜色的照片",
        "content": "照片原样",
        "noise": "噪声",
        "mean": "平均灰",
    },
    "statistic": {
        "nearest": "最相似的地方",
        "gram": "Gram 矩阵",
        "centered": "协方差",
        "mean_deviation": "均值与标准差",
        "wasserstein": "Wasserstein 距离",
    },
    "engine": {"fast": "快速，带保护", "plain": "教科书式"},
    "optimizer": {"lbfgs": "L-BFGS", "adam": "Adam"},
    "pooling": {"max": "最大值", "avg": "平均值", "l2": "均方根"},
    "border": {"replicate": "延续边缘", "zeros": "零"},
    "style_fit": {"longest": "与结果一样长", "area": "与结果像素数相同"},
    "loss_units": {"relative": "相对于目标", "absolute": "绝对值", "paper": "如论文"},
    "tv_form": {
        "mean": "均方",
        "levels": "灰阶的均方",
        "sum": "求和",
        "nine_points": "九点",
    },
}
