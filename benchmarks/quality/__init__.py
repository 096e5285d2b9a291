"""Score how recordings find their song, and songs their kin, on any music that a manifest lists.

``python -m benchmarks.quality --manifest FILE.csv`` reads the columns ``file`` and ``artist``, and where there are
``label`` (a genre, say) and ``emotion_*`` (the share of listeners who felt it). What is scored is the answer that the
ranker gives, beside the simple methods that it has to beat, on the same music.

Conventions
-----------
A *piece* is a track of the manifest with the 6 s clip that is cut out of it, at a place that chance chooses once. A
*condition* damages the clip. *Kin* are the answer's matches without tracks of the clip's own artist (the artist
filter): same artist never counts. Kin are sought among the labelled tracks, since nothing is known of others; own
songs among all. Where labels or emotions are missing, their figures are absent.

===================================  ==================================================================
figure                               meaning
===================================  ==================================================================
``precision5``                       share of the five first kin that have the clip's label; clean clips
``precision5_CONDITION``             the same for damaged clips
``precision5_METHOD``                the same for a method of `benchmarks.quality.methods`, from whole tracks
``precision5_absent_CONDITION``      the same where the clip's own song is not in the catalogue
``precision5_served``                the same for the answer as it is served, with one track an artist
``emotion_cosine``                   cosine of the clip's emotions, each standardised over all tracks, with
                                     those of the five first kin; with the same variants
``never_recommended``                share of tracks that are among no clip's five kin
``largest_hub``                      most clips that one track is among the five kin of
``hubness_skewness``                 skewness of the number of clips that a track is among the kin of
``own_song_hit1_CONDITION``          share of clips whose own song comes first
``identified_CONDITION``             share of clips that are said to be that very song, rightly
``false_identified_CONDITION``       share of clips, their own song taken out, that are said to be some song of
                                     another known artist; copies under two names count as false
``keep5_CONDITION``                  share of the clean clip's five kin that the damaged clip keeps
``keep5_absent_CONDITION``           the same where the clip's own song is not in the catalogue
``moment_error_s``                   median distance of the moment named from the true one, of clean clips
``moment_within_CONDITION``          share of clips whose song comes first with its moment within 0.3 s
``prefilter_recall5_N``              share of the proven five that a shortlist of N finds
``frames_KIND_{hit1,precision5,keep5}_CONDITION``
                                     the same for plain subsequence DTW on other kinds of frames, see
                                     `benchmarks.quality.frames`
===================================  ==================================================================

A figure that is a mean over clips has an interval, ``FIGURE_low`` and ``FIGURE_high``: 95 % of bootstrap samples of
whole artists, since tracks of one artist are alike.
"""
